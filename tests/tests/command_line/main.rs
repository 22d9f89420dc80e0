//! The program as a person and a script meet it: arguments in, exit code and text out.

mod backing_up;
mod changing;
mod checking;
mod events;
mod help;
mod integrity;
mod keys;
mod morning;
mod place;
mod previewing;
mod reading;
