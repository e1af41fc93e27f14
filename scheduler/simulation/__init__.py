"""A virtual world for the real program: `simulate` shows what would happen in it, the tests break it on purpose."""
