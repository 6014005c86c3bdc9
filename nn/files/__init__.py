"""Files: models and checkpoints in npz files, written completely or not at all."""
