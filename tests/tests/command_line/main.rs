//! The program as a person and a script meet it: arguments in, exit code and text out.

mod audit;
mod backing_up;
mod changing;
mod checking;
mod events;
mod help;
mod integrity;
mod keys;
mod links;
mod meant;
mod morning;
mod place;
mod previewing;
mod printing;
mod reading;
mod set_up;
