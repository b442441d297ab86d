// Loaded before a file of tests: what it starts has no library preloaded, which unshare(1) would not survive.
delete process.env.LD_PRELOAD;
