"""Families of sequence-to-sequence models, one file each: tokens, language codes, preparation and completion of text."""
