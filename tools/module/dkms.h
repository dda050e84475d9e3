/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CHATDNATCTL_DKMS_H
#define CHATDNATCTL_DKMS_H

/* The version of chatdnat that DKMS builds for a kernel; NULL if DKMS does not have chatdnat. To be freed. */
char *dkms_version(void);

/* The log of DKMS's last attempt to build that version for this kernel; NULL if there is none. To be freed. */
char *dkms_log(const char *version, const char *release);

#endif
