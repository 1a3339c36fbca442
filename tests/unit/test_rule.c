// SPDX-License-Identifier: BSD-2-Clause
/* Rules as text: what is accepted, and what is said of what isn't. */
#include "tests/unit/unit.h"

#include "common/rule.h"

#include <errno.h>

/* What was read, in one line: "group user!=[5,9] job=yes" with ids as ranges. */
static const char *shown(const struct rule *rule, char out[4096])
{
	size_t len = (size_t)sprintf(out, "%s", rule_action_name(rule->action));

	for (size_t i = 0; i < rule->count; i++) {
		const struct rule_condition *c = &rule->conditions[i];
		static const char *const kinds[] = {[RULE_GLOB] = "glob",
						    [RULE_NAME] = "name",
						    [RULE_YES] = "yes",
						    [RULE_NO] = "no"};

		len += (size_t)sprintf(out + len, " %s%s", rule_about_name(c->about),
				       c->is_not ? "!=" : "=");
		if (c->kind == RULE_RANGE)
			len += (size_t)sprintf(out + len, "[%u,%u]", c->low, c->high);
		else
			len += (size_t)sprintf(out + len, "%s:%.*s", kinds[c->kind],
					       (int)c->value.len, c->value.data);
	}
	return out;
}

static void what_is_accepted(void **state)
{
	static const struct {
		const char *text, *read;
	} cases[] = {
		{"full", "full"},
		{"  group\t job=yes ", "group job=yes:yes"},
		{"ignore job!=no", "ignore job!=no:no"},
		{"full job=12*", "full job=glob:12*"},
		{"full container=no container!=yes", "full container=no:no container!=yes:yes"},
		{"full path=/opt/*/bin/?cc", "full path=glob:/opt/*/bin/?cc"},
		{"full path==", "full path=glob:="},
		{"full path=!=", "full path=glob:!="},
		{"full user=0", "full user=[0,0]"},
		{"full user=4294967294", "full user=[4294967294,4294967294]"},
		{"full user!=1000-1999 group=7-7", "full user!=[1000,1999] group=[7,7]"},
		{"full user=alice group=www-data", "full user=name:alice group=name:www-data"},
		{"full user=1a user=DOM\\x", "full user=name:1a user=name:DOM\\x"},
		{"full cgroup=/a\\[b comm=ld.so", "full cgroup=glob:/a\\[b comm=glob:ld.so"},
		{"full path=[]a] comm=[!]] path=a[[:digit:]]b",
		 "full path=glob:[]a] comm=glob:[!]] path=glob:a[[:digit:]]b"},
		{"full path=] comm=\\\\ path=[[:x]",
		 "full path=glob:] comm=glob:\\\\ path=glob:[[:x]"},
		/* may hold, or isn't surely wrong */
		{"full path=/a* path=/b* user=alice user=bob",
		 "full path=glob:/a* path=glob:/b* user=name:alice user=name:bob"},
		{"full path=/a path=/a path!=/b", "full path=glob:/a path=glob:/a path!=glob:/b"},
		{"full user=1-5 user=5-9 user!=1-4", "full user=[1,5] user=[5,9] user!=[1,4]"},
		{"full job=yes job=12* job!=123", "full job=yes:yes job=glob:12* job!=glob:123"},
		{"full job=no job!=12* container=yes",
		 "full job=no:no job!=glob:12* container=yes:yes"},
		{"full path=yes comm=no", "full path=glob:yes comm=glob:no"},
	};
	char why[RULE_WHY_SIZE], out[4096];
	struct rule rule;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_equal(rule_parse(bytes_of(cases[i].text), &rule, why), 0);
		assert_string_equal(shown(&rule, out), cases[i].read);
	}
}

static void what_is_refused_and_why(void **state)
{
	static const struct {
		const char *text, *why; /* a part of it */
	} cases[] = {
		{"", "\"\" is no action: a rule begins with full, group or ignore"},
		{"Full", "\"Full\" is no action"},
		{"job=yes full", "\"job=yes\" is no action"},
		{"full full", "\"full\" is no condition: path, user, group, job, container, "
			      "cgroup or comm"},
		{"full usr=x", "\"usr=x\" is no condition"},
		{"full =x", "\"=x\" is no condition"},
		{"full !=x", "\"!=x\" is no condition"},
		{"full job", "\"job\" is no condition"},
		{"full job =yes", "\"job\" is no condition"},
		{"full path=", "\"path=\" must have a pattern"},
		{"full container=maybe", "must have yes or no"},
		{"full user=4294967295", "must have a name, a number or NUMBER-NUMBER"},
		{"full user=99999999999999999999", "must have a name"},
		{"full user=5-3", "must have a name"},
		{"full user=5-", "must have a name"},
		{"full user=-5", "must have a name"},
		{"full group=1-2-3", "must have a name"},
		{"full user==root", "\"user==root\" must have a name, a number or"},
		{"full user=ro*t", "\"user=ro*t\" must have a name"},
		{"full user=alice,bob", "must have a name"},
		{"full path=/a[b", "\"path=/a[b\" has a [ without its ]; a plain one is \\["},
		{"full job=1[", "\"job=1[\" has a ["},
		{"full comm=[]", "\"comm=[]\" has a ["},
		{"full comm=[!]", "has a ["},
		{"full comm=[a\\]", "has a ["},
		{"full comm=a\\", "\"comm=a\\\" ends with a \\"},
		{"ignore path=/a path=/b",
		 "\"path=/b\" never holds together with \"path=/a\", and all must"},
		{"full path!=/a user=0 path=/a",
		 "\"path!=/a\" never holds together with \"path=/a\""},
		{"full path!=/a* path=/a*", "never holds"},
		{"full job=yes job=no", "never holds"},
		{"full job=12 job=13", "never holds"},
		{"full job=no job=12*", "never holds"},
		{"full job=yes job!=yes", "never holds"},
		{"full container=yes container=no", "never holds"},
		{"full user=1-5 user=6-9", "never holds"},
		{"full user=2-3 user!=1-4", "never holds"},
		{"full user!=alice user=alice", "never holds"},
	};
	char why[RULE_WHY_SIZE];
	struct rule rule;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_equal(rule_parse(bytes_of(cases[i].text), &rule, why), -EINVAL);
		if (!strstr(why, cases[i].why))
			assert_string_equal(why, cases[i].why);
	}
}

/* One below, at and one above each limit. */
static void limits(void **state)
{
	char text[RULE_TEXT_MAX + 2] = "full", why[RULE_WHY_SIZE];
	struct rule rule;

	(void)state;
	for (int count = 0; count <= RULE_CONDITIONS_MAX + 1; count++) {
		assert_int_equal(rule_parse(bytes_of(text), &rule, why),
				 count > RULE_CONDITIONS_MAX ? -EINVAL : 0);
		strcat(text, " job=yes");
	}
	for (int len = RULE_VALUE_MAX - 1; len <= RULE_VALUE_MAX + 1; len++) {
		sprintf(text, "full path=%0*d", len, 7);
		assert_int_equal(rule_parse(bytes_of(text), &rule, why),
				 len > RULE_VALUE_MAX ? -EINVAL : 0);
	}
	for (int len = RULE_TEXT_MAX - 1; len <= RULE_TEXT_MAX + 1; len++) {
		sprintf(text, "%-*s", len, "full");
		assert_int_equal(rule_parse(bytes_of(text), &rule, why),
				 len > RULE_TEXT_MAX ? -EINVAL : 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_accepted),
		cmocka_unit_test(what_is_refused_and_why),
		cmocka_unit_test(limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
