/* SPDX-License-Identifier: Apache-2.0
 * zip_form.h - the records of a ZIP archive (APPNOTE.TXT, section 4), shared by zip.c and zip_write.c.  All numbers are little-endian.
 */
#ifndef AAS_ZIP_FORM_H
#define AAS_ZIP_FORM_H

#include <stdint.h>
#include <string.h>

#define ZIP_LOCAL_SIGN 0x04034b50u
#define ZIP_LOCAL 30		/* bytes before the name */
#define ZIP_CENTRAL_SIGN 0x02014b50u
#define ZIP_CENTRAL 46
#define ZIP_END_SIGN 0x06054b50u
#define ZIP_END 22
#define ZIP_END64_SIGN 0x06064b50u
#define ZIP_END64 56
#define ZIP_LOCATOR_SIGN 0x07064b50u
#define ZIP_LOCATOR 20
#define ZIP_DESCRIPTOR_SIGN 0x08074b50u
#define ZIP_EXTRA64 0x0001u	/* the extra field with the large numbers */

#define ZIP_FLAG_ENCRYPTED 0x2041u	/* by a password, strongly, or the directory */
#define ZIP_FLAG_DESCRIPTOR 0x0008u	/* checksum and sizes stand behind the data */
#define ZIP_FLAG_UTF8 0x0800u

#define ZIP_STORED 0u
#define ZIP_DEFLATED 8u

static inline uint16_t zip_u16(const void *p)
{
	const unsigned char *b = p;
	return (uint16_t)(b[0] | b[1] << 8);
}
static inline uint32_t zip_u32(const void *p)
{
	return zip_u16(p) | (uint32_t)zip_u16((const char *)p + 2) << 16;
}
static inline uint64_t zip_u64(const void *p)
{
	return zip_u32(p) | (uint64_t)zip_u32((const char *)p + 4) << 32;
}

#endif
