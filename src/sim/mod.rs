//! The simulated world: the same fans, an event calendar for a world.
