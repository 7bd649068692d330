"""The simulated plant: physics, actuators and the PLCs' own interlocks. No sockets, no clock."""
