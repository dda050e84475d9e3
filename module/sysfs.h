/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNAT_SYSFS_H
#define CHATDNAT_SYSFS_H

int chatdnat_sysfs_init(void);
void chatdnat_sysfs_exit(void);

#endif /* CHATDNAT_SYSFS_H */
