//! The login: through the browser and back, with everything that can come between, and what it leaves behind.

mod attacks;
mod broker;
mod browser;
mod pat;
mod rules;
pub mod take_over;
