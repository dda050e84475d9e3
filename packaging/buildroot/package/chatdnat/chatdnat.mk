################################################################################
#
# chatdnat
#
################################################################################

# The source that this tree is part of.
CHATDNAT_SITE = $(BR2_EXTERNAL_CHATDNAT_PATH)/../..
CHATDNAT_VERSION = $(shell cat $(CHATDNAT_SITE)/VERSION)
CHATDNAT_SITE_METHOD = local
CHATDNAT_OVERRIDE_SRCDIR_RSYNC_EXCLUSIONS = --exclude /build
CHATDNAT_LICENSE = GPL-2.0
CHATDNAT_LICENSE_FILES = LICENSE

# NF_NAT_MASQUERADE has no switch of its own: the target selects it.
define CHATDNAT_LINUX_CONFIG_FIXUPS
	$(call KCONFIG_ENABLE_OPT,CONFIG_NET)
	$(call KCONFIG_ENABLE_OPT,CONFIG_INET)
	$(call KCONFIG_ENABLE_OPT,CONFIG_SYSFS)
	$(call KCONFIG_ENABLE_OPT,CONFIG_NETFILTER)
	$(call KCONFIG_ENABLE_OPT,CONFIG_NETFILTER_ADVANCED)
	$(call KCONFIG_ENABLE_OPT,CONFIG_NETFILTER_INGRESS)
	$(call KCONFIG_ENABLE_OPT,CONFIG_NETFILTER_XTABLES)
	$(call KCONFIG_ENABLE_OPT,CONFIG_NETFILTER_XT_TARGET_MASQUERADE)
	$(call KCONFIG_ENABLE_OPT,CONFIG_NF_CONNTRACK)
	$(call KCONFIG_ENABLE_OPT,CONFIG_NF_NAT)
	$(call KCONFIG_ENABLE_OPT,CONFIG_NF_REJECT_IPV4)
	$(call KCONFIG_ENABLE_OPT,CONFIG_NF_REJECT_IPV6)
endef

ifeq ($(BR2_PACKAGE_CHATDNAT_CHATDNATCTL),y)
CHATDNAT_DEPENDENCIES += host-pkgconf json-c libmnl

define CHATDNAT_BUILD_CMDS
	$(TARGET_MAKE_ENV) $(MAKE) $(TARGET_CONFIGURE_OPTS) -C $(@D)/tools
endef

define CHATDNAT_INSTALL_TARGET_CMDS
	$(INSTALL) -D -m 0755 $(@D)/build/tools/chatdnatctl \
		$(TARGET_DIR)/usr/sbin/chatdnatctl
endef
endif

$(eval $(kernel-module))
$(eval $(generic-package))
