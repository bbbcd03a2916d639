from hypothesis import settings

# No test asserts a wall-clock time, and Hypothesis's deadline is one.
settings.register_profile("microjoule", deadline=None)
settings.load_profile("microjoule")
