"""The object trajectory: where will it be, after how it moves now?"""
