include $(sort $(wildcard $(BR2_EXTERNAL_CHATDNAT_PATH)/package/*/*.mk))
