//! Rate limiters as pure machines: the time of each call is an argument.
