"""Arrays in, arrays out: the only code that knows the JIT compiler. Imports nothing of ours."""
