"""The health check of the image: exits with 0 when the app answers."""
import sys
from urllib.request import urlopen

urlopen(f'http://127.0.0.1:{sys.argv[1]}/health').read()
