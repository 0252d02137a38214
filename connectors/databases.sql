-- The databases beside the LMS's own on the server of docker-compose.yml, created at its first start.
CREATE DATABASE prepadata;
CREATE DATABASE registry;
