export GREETING="hello from $(basename "$NODE_HOME")"
