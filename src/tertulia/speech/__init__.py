"""Audio to text and text to audio: decoding, voice activity, engines, the live decoder and the speech host."""
