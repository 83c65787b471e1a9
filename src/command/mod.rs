//! One story per subcommand.
