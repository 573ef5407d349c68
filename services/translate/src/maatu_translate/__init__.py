"""The translate service: text in one language in, text in another out, sentence by sentence."""
