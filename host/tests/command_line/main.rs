//! The program as a person and a script meet it: arguments in, exit code and text out.

mod checking;
mod help;
mod office;
mod previewing;
mod reading;
