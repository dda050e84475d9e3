# A stand-in for OpenWrt's. `install` compiles as the package says and installs each of its packages in DEST/NAME.
$(call dump,source,PKG_NAME PKG_VERSION PKG_RELEASE PKG_SOURCE PKG_SOURCE_URL PKG_HASH PKG_MAINTAINER PKG_LICENSE \
	PKG_LICENSE_FILES PKG_FLAGS)

define Build/Compile/Default
	CFLAGS="-O2" LDFLAGS="-Wl,-z,now" $(MAKE) -C $(PKG_BUILD_DIR)/$(MAKE_PATH) CC=gcc ARCH=x86_64 $(1)
endef

.PHONY: compile install
install: compile
compile:
	$(Build/Compile)

define BuildPackage
$(eval $(Package/$(1)))
$(call dump,$(1),SECTION CATEGORY TITLE DEPENDS)
$(info $(1) conffiles=$(Package/$(1)/conffiles))
install: install-$(1)
install-$(1): compile
	$(call Package/$(1)/install,$(DEST)/$(1))
endef
