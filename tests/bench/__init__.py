"""The figures that Tocsin is held to, measured beside a bare reference in the same run. No thresholds."""
