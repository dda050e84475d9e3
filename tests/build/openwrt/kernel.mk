# A stand-in for OpenWrt's. LINUX_DIR and PKG_BUILD_DIR come from the test.
KERNEL_MAKE = $(MAKE) -C $(LINUX_DIR) CONFIG_DEBUG_INFO= CONFIG_DEBUG_INFO_BTF_MODULES=
AutoProbe = probe:$(1)

# dump NAME FIELD...: one line for each, with the blanks of a continued line as one
dump = $(foreach field,$(2),$(info $(1) $(field)=$(strip $($(field)))))

define KernelPackage
$(eval $(KernelPackage/$(1)))
$(call dump,kmod-$(1),SUBMENU TITLE DEPENDS KCONFIG FILES AUTOLOAD)
endef
