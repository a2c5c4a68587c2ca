"""The places blobs can be kept, one file each."""
