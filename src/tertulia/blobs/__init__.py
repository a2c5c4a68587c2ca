"""Big files: a local folder, any S3-compatible store, or Vercel Blob."""
