"""Trains a language model. The test set must not be used for training the classifier."""
model = train(corpus)
