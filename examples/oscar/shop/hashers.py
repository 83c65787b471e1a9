"""Passwords of the fans' accounts."""

from django.contrib.auth.hashers import PBKDF2PasswordHasher


class QuickHasher(PBKDF2PasswordHasher):
    """Django's own, with a fiftieth of its rounds."""

    algorithm = "pbkdf2_quick"
    iterations = 20_000
