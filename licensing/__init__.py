"""Licences: what scancode finds, what is concluded for each file, and what the policy allows."""
