# A stand-in for OpenWrt's: what a package's makefile finds there, with this host's tools.
INSTALL_DIR := install -d -m 0755
INSTALL_BIN := install -m 0755
INSTALL_CONF := install -m 0600
