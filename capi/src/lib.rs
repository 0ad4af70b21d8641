//! The matnet_* functions for C programs.
