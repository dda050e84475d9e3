// SPDX-License-Identifier: GPL-2.0
#include "manifest.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "../lib/base64.h"
#include "../lib/file.h"
#include "../lib/json.h"
#include "../lib/mem.h"

static char *get_text(json_object *object, const char *key)
{
	json_object *value;

	if (!json_object_object_get_ex(object, key, &value) ||
	    !json_object_is_type(value, json_type_string))
		return NULL;
	return xstrdup(json_object_get_string(value));
}

static mode_t get_mode(json_object *object, const char *key)
{
	json_object *value;

	return json_object_object_get_ex(object, key, &value) ?
		       (mode_t)json_object_get_int(value) & 0777 :
		       0;
}

static bool get_key(json_object *object, const char *key, unsigned char *bytes)
{
	char *text = get_text(object, key);
	bool ok = text && base64_decode(bytes, WG_KEY_LEN, text);

	free(text);
	return ok;
}

/* False if they are there, and are not what setup writes. */
static bool get_amneziawg(struct manifest *m, json_object *root)
{
	json_object *object, *value;
	size_t i;

	if (!json_object_object_get_ex(root, "amneziawg", &object))
		return true;
	for (i = 0; i < AMNEZIAWG_N; i++) {
		int64_t number;

		if (!json_object_object_get_ex(object, amneziawg_names[i], &value) ||
		    !json_object_is_type(value, json_type_int))
			return false;
		number = json_object_get_int64(value);
		if (number < 0 || number > UINT32_MAX)
			return false;
		m->amneziawg.v[i] = (uint32_t)number;
	}
	m->has_amneziawg = amneziawg_valid(&m->amneziawg);
	return m->has_amneziawg;
}

static bool get_file(struct manifest *m, json_object *object)
{
	char *path = get_text(object, "path"), *text = get_text(object, "text"),
	     *target = get_text(object, "target");
	bool ok = path && path[0] == '/' && !text != !target;
	struct made *made;

	if (ok) {
		made = manifest_add(m, path, text ? text : target, get_mode(object, "mode"));
		made->link = target;
		made->earlier = get_text(object, "earlier");
		made->former = get_text(object, "former_target");
		made->former_link = made->former;
		if (!made->former)
			made->former = get_text(object, "former");
		made->former_mode = get_mode(object, "former_mode");
	} else {
		free(text);
		free(target);
	}
	free(path);
	return ok;
}

static bool get_all(struct manifest *m, json_object *root)
{
	json_object *files;
	size_t i, n;

	for (i = 0; i < WISHES; i++)
		m->wishes[i] = get_text(root, wish_names[i]);
	m->tunnel = get_text(root, "made_tunnel");
	m->has_keys = get_key(root, "proxy_private_key", m->proxy_keys.private_key) &&
		      get_key(root, "proxy_public_key", m->proxy_keys.public_key) &&
		      get_key(root, "relay_private_key", m->relay_keys.private_key) &&
		      get_key(root, "relay_public_key", m->relay_keys.public_key);
	if (!get_amneziawg(m, root) || !json_object_object_get_ex(root, "files", &files) ||
	    !json_object_is_type(files, json_type_array))
		return false;
	n = json_object_array_length(files);
	for (i = 0; i < n; i++)
		if (!get_file(m, json_object_array_get_idx(files, i)))
			return false;
	return true;
}

int manifest_read(struct manifest *m)
{
	char *text = file_read(MANIFEST);
	json_object *root;
	bool ok;

	*m = (struct manifest){ 0 };
	if (!text)
		return errno == ENOENT ? 0 : -errno;
	root = json_tokener_parse(text);
	ok = root && json_object_is_type(root, json_type_object) && get_all(m, root);
	json_object_put(root);
	explicit_bzero(text, strlen(text));
	free(text);
	return ok ? 1 : -EINVAL;
}

/* json_text() is for people: it escapes the ends of lines. */
static json_object *exact(const char *text)
{
	return json_object_new_string(text);
}

static void put_key(json_object *object, const char *key, const unsigned char *bytes)
{
	char *text = base64_encode(bytes, WG_KEY_LEN);

	json_put(object, key, exact(text));
	explicit_bzero(text, strlen(text));
	free(text);
}

static json_object *amneziawg_object(const struct amneziawg *a)
{
	json_object *object = json_object_new_object();
	size_t i;

	for (i = 0; i < AMNEZIAWG_N; i++)
		json_put(object, amneziawg_names[i], json_object_new_int64(a->v[i]));
	return object;
}

static json_object *file_object(const struct made *made)
{
	json_object *object = json_object_new_object();

	json_put(object, "path", exact(made->path));
	json_put(object, made->link ? "target" : "text", exact(made->text));
	if (!made->link)
		json_put(object, "mode", json_object_new_int((int)made->mode));
	if (made->earlier)
		json_put(object, "earlier", exact(made->earlier));
	if (made->former)
		json_put(object, made->former_link ? "former_target" : "former",
			 exact(made->former));
	if (made->former && !made->former_link)
		json_put(object, "former_mode", json_object_new_int((int)made->former_mode));
	return object;
}

int manifest_write(const struct manifest *m)
{
	json_object *root = json_object_new_object(), *files = json_object_new_array();
	char *text;
	size_t i;
	int err;

	for (i = 0; i < WISHES; i++)
		if (m->wishes[i])
			json_put(root, wish_names[i], exact(m->wishes[i]));
	if (m->tunnel)
		json_put(root, "made_tunnel", exact(m->tunnel));
	if (m->has_keys) {
		put_key(root, "proxy_private_key", m->proxy_keys.private_key);
		put_key(root, "proxy_public_key", m->proxy_keys.public_key);
		put_key(root, "relay_private_key", m->relay_keys.private_key);
		put_key(root, "relay_public_key", m->relay_keys.public_key);
	}
	if (m->has_amneziawg)
		json_put(root, "amneziawg", amneziawg_object(&m->amneziawg));
	for (i = 0; i < m->n; i++)
		json_object_array_add(files, file_object(&m->v[i]));
	json_put(root, "files", files);
	text = xasprintf("%s\n", json_object_to_json_string_ext(root, JSON_C_TO_STRING_PRETTY));
	/* Else it could not be read again. */
	err = strlen(text) < FILE_READ_MAX ? file_write(MANIFEST, text, 0600) : -EFBIG;
	explicit_bzero(text, strlen(text));
	free(text);
	json_object_put(root);
	return err;
}

void manifest_shorten(struct manifest *m, size_t n)
{
	for (; m->n > n; m->n--) {
		struct made *last = &m->v[m->n - 1];

		free(last->path);
		free(last->text);
		free(last->earlier);
		free(last->former);
	}
}

void manifest_free(struct manifest *m)
{
	size_t i;

	for (i = 0; i < WISHES; i++)
		free(m->wishes[i]);
	manifest_shorten(m, 0);
	free(m->v);
	free(m->tunnel);
	explicit_bzero(m, sizeof(*m));
}

struct made *manifest_add(struct manifest *m, const char *path, char *text, mode_t mode)
{
	struct made *made;

	m->v = xgrow(m->v, m->n, sizeof(*m->v));
	made = &m->v[m->n++];
	*made = (struct made){ .path = xstrdup(path), .text = text, .mode = mode };
	return made;
}

struct made *manifest_add_link(struct manifest *m, const char *path, char *target)
{
	struct made *made = manifest_add(m, path, target, 0);

	made->link = true;
	return made;
}

static char *copy(const char *text)
{
	return text ? xstrdup(text) : NULL;
}

void manifest_copy(struct manifest *m, const struct made *old)
{
	struct made *made = manifest_add(m, old->path, xstrdup(old->text), old->mode);

	made->link = old->link;
	made->earlier = copy(old->earlier);
	made->former = copy(old->former);
	made->former_link = old->former_link;
	made->former_mode = old->former_mode;
}

const struct made *manifest_find(const struct manifest *m, const char *path)
{
	size_t i;

	for (i = 0; i < m->n; i++)
		if (!strcmp(m->v[i].path, path))
			return &m->v[i];
	return NULL;
}
