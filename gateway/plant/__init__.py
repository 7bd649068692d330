"""The plant file: one YAML page that says what a site has, validated whole before anything runs."""
