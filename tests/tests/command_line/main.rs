//! The program as a person and a script meet it: arguments in, exit code and text out.

mod changing;
mod checking;
mod events;
mod help;
mod keys;
mod morning;
mod previewing;
mod reading;
