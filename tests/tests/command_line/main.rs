//! The program as a person and a script meet it: arguments in, exit code and text out.

mod audit;
mod changing;
mod checking;
mod events;
mod help;
mod meant;
mod morning;
mod previewing;
mod printing;
mod reading;
