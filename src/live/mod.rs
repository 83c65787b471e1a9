//! The live world: fans act over real sockets, one loop per core.
