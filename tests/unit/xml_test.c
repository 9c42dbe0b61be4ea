/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "codec/xml.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void canonical_is(const char *text, const char *wanted)
{
    aver_xml xml;
    aver_buf out;
    aver_buf_init(&out, 4096);
    assert_int_equal(aver_xml_parse(aver_view_text(text), &xml), AVER_OK);
    aver_xml_canonical(&xml, 0, AVER_XML_NONE, &out);
    assert_int_equal(aver_buf_status(&out), AVER_OK);
    if (!aver_view_equal_text(aver_buf_view(&out), wanted)) {
        (void)fprintf(stderr, "%s\n  is    %.*s\n  wants %s\n", text, (int)out.size,
                      (const char *)out.data, wanted);
        fail();
    }
    /* It is its own canonical form. */
    aver_xml again;
    aver_buf twice;
    aver_buf_init(&twice, 4096);
    assert_int_equal(aver_xml_parse(aver_buf_view(&out), &again), AVER_OK);
    aver_xml_canonical(&again, 0, AVER_XML_NONE, &twice);
    assert_true(aver_view_equal(aver_buf_view(&twice), aver_buf_view(&out)));
    aver_xml_deinit(&again);
    aver_buf_deinit(&twice);
    aver_xml_deinit(&xml);
    aver_buf_deinit(&out);
}

/* Canonical XML 1.1, section 1.1 and 3, as far as documents without DTD and comments go. */
static void canonical_forms(void **state)
{
    (void)state;
    canonical_is("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\n<a/>\n\n", "<a></a>");
    canonical_is("<a   b = '1'\n\tc=\"2\"  />", "<a b=\"1\" c=\"2\"></a>");
    canonical_is("<a z=\"1\" b=\"2\" A=\"3\"/>", "<a A=\"3\" b=\"2\" z=\"1\"></a>");
    canonical_is("<a>1\r\n2\r3&#13;&lt;&gt;&amp;&quot;&apos;</a>",
                 "<a>1\n2\n3&#xD;&lt;&gt;&amp;\"'</a>");
    canonical_is("<a b=\"&lt;&#9;&#10;&#xD;&quot;'>&amp;\t\n\r\n\"/>",
                 "<a b=\"&lt;&#x9;&#xA;&#xD;&quot;'>&amp;   \"></a>");
    canonical_is("<a>&#xe9;&#x20AC;&#128512;</a>", "<a>\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80</a>");
    /* namespaces: declared once, sorted before attributes, which go by namespace and name */
    canonical_is("<p:a xmlns:p=\"urn:p\" xmlns=\"urn:d\" xmlns:b=\"urn:b\"><p:c "
                 "xmlns:p=\"urn:p\" xmlns=\"urn:e\"><d xmlns=\"urn:e\"/></p:c></p:a>",
                 "<p:a xmlns=\"urn:d\" xmlns:b=\"urn:b\" xmlns:p=\"urn:p\"><p:c "
                 "xmlns=\"urn:e\"><d></d></p:c></p:a>");
    canonical_is("<a xmlns:y=\"urn:1\" xmlns:x=\"urn:2\" x:b=\"3\" y:c=\"2\" a=\"1\"/>",
                 "<a xmlns:x=\"urn:2\" xmlns:y=\"urn:1\" a=\"1\" y:c=\"2\" x:b=\"3\"></a>");
    canonical_is("<a xmlns=\"urn:d\"><b xmlns=\"\"><c xmlns=\"\"/></b></a>",
                 "<a xmlns=\"urn:d\"><b xmlns=\"\"><c></c></b></a>");
    canonical_is("<a xmlns=\"\"><b xmlns=\"urn:d\"/></a>", "<a><b xmlns=\"urn:d\"></b></a>");
}

/* A part gets the namespaces that it stands in, and leaves out what it is told to. */
static void parts_have_their_namespaces(void **state)
{
    (void)state;
    static const char text[] = "<a xmlns=\"urn:d\" xmlns:p=\"urn:p\"><b xmlns:q=\"urn:q\" "
                               "xmlns:p=\"urn:o\"><c x=\"1\" xmlns=\"\"><d/></c>t</b>u</a>";
    aver_xml xml;
    aver_buf out;
    aver_buf_init(&out, 4096);
    assert_int_equal(aver_xml_parse(aver_view_text(text), &xml), AVER_OK);
    size_t b = aver_xml_child(&xml, 0, 0);
    size_t c = aver_xml_child(&xml, b, 0);
    aver_xml_canonical(&xml, b, c, &out);
    assert_true(aver_view_equal_text(
        aver_buf_view(&out), "<b xmlns=\"urn:d\" xmlns:p=\"urn:o\" xmlns:q=\"urn:q\">t</b>"));
    aver_buf_clear(&out);
    aver_xml_canonical(&xml, c, AVER_XML_NONE, &out);
    assert_true(aver_view_equal_text(aver_buf_view(&out),
                                     "<c xmlns:p=\"urn:o\" xmlns:q=\"urn:q\" x=\"1\"><d></d></c>"));
    aver_buf_clear(&out);
    aver_xml_canonical(&xml, 0, b, &out);
    assert_true(
        aver_view_equal_text(aver_buf_view(&out), "<a xmlns=\"urn:d\" xmlns:p=\"urn:p\">u</a>"));
    aver_buf_deinit(&out);
    aver_xml_deinit(&xml);
}

static void documents_are_walked(void **state)
{
    (void)state;
    aver_xml xml;
    aver_view value;
    assert_int_equal(
        aver_xml_parse(AVER_VIEW_LITERAL("<a xmlns:p=\"urn:p\"> <p:b x=\"1\" p:x=\"2\">text</p:b>"
                                         "<c/>x</a>"),
                       &xml),
        AVER_OK);
    size_t b = aver_xml_child(&xml, 0, 0);
    size_t c = aver_xml_child(&xml, 0, b);
    assert_true(aver_xml_is(&xml, 0, "", "a") && aver_xml_is(&xml, b, "urn:p", "b"));
    assert_true(aver_xml_is(&xml, c, "", "c") && !aver_xml_is(&xml, c, "urn:p", "c"));
    assert_true(aver_xml_child(&xml, 0, c) == AVER_XML_NONE);
    assert_true(aver_xml_attribute_get(&xml, b, "", "x", &value));
    assert_true(aver_view_equal_text(value, "1"));
    assert_true(aver_xml_attribute_get(&xml, b, "urn:p", "x", &value));
    assert_true(aver_view_equal_text(value, "2"));
    assert_false(aver_xml_attribute_get(&xml, b, "urn:p", "y", &value));
    assert_int_equal(aver_xml_text(&xml, b, &value), AVER_OK);
    assert_true(aver_view_equal_text(value, "text"));
    assert_int_equal(aver_xml_text(&xml, 0, &value), AVER_E_FORMAT);
    assert_int_equal(aver_xml_text(&xml, c, &value), AVER_OK);
    assert_int_equal(value.size, 0);
    assert_false(aver_xml_no_text(&xml, 0));
    aver_xml_deinit(&xml);
}

static void what_is_not_read_is_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {"",
                                        " ",
                                        "x",
                                        "<",
                                        "<a",
                                        "<a>",
                                        "<a/",
                                        "<a></b>",
                                        "<a/><b/>",
                                        "<a/>x",
                                        "<a></a",
                                        "</a>",
                                        "<a b/>",
                                        "<a b=1/>",
                                        "<a b=\"1/>",
                                        "<a b=\"1\"c=\"2\"/>",
                                        "<a b=\"<\"/>",
                                        "<1/>",
                                        "<a:/>",
                                        "<:a/>",
                                        "<a:b:c/>",
                                        "<a b=\"1\" b=\"2\"/>",
                                        "<a xmlns:p=\"u\" xmlns:q=\"u\" p:x=\"1\" q:x=\"2\"/>",
                                        "<p:a/>",
                                        "<a p:b=\"1\"/>",
                                        "<a xmlns:p=\"\"/>",
                                        "<a xmlns:xml=\"u\"/>",
                                        "<a xmlns:xmlns=\"u\"/>",
                                        "<a xmlns:p=\"http://www.w3.org/XML/1998/namespace\"/>",
                                        "<a xmlns=\"http://www.w3.org/2000/xmlns/\"/>",
                                        "<a xml:id=\"1\"/>",
                                        "<!DOCTYPE a><a/>",
                                        "<a><!-- --></a>",
                                        "<!-- --><a/>",
                                        "<a><![CDATA[x]]></a>",
                                        "<a><?b c?></a>",
                                        "<?b c?><a/>",
                                        "<?xml version=\"1.1\"?><a/>",
                                        "<?xml version=\"1.0\" encoding=\"latin1\"?><a/>",
                                        "<a>]]></a>",
                                        "<a>&b;</a>",
                                        "<a>&amp</a>",
                                        "<a>& </a>",
                                        "<a>&#;</a>",
                                        "<a>&#x;</a>",
                                        "<a>&#0;</a>",
                                        "<a>&#x1;</a>",
                                        "<a>&#xd800;</a>",
                                        "<a>&#xfffe;</a>",
                                        "<a>&#x110000;</a>",
                                        "<a>&#99999999999;</a>",
                                        "<a>\x01</a>",
                                        "<a>\xff</a>",
                                        "<a>\xef\xbf\xbf</a>",
                                        "\xef\xbb\xbf<a/>",
                                        "<\xc3\xa9/>"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        aver_xml xml;
        if (aver_xml_parse(aver_view_text(texts[i]), &xml) != AVER_E_FORMAT) {
            (void)fprintf(stderr, "%s was read\n", texts[i]);
            fail();
        }
    }
    aver_xml xml;
    assert_int_equal(aver_xml_parse(aver_view_make("<a>\0</a>", 8), &xml), AVER_E_FORMAT);
}

static void limits_hold(void **state)
{
    (void)state;
    aver_xml xml;
    aver_buf text;
    aver_buf_init(&text, 2 * AVER_XML_BYTES_MAX);
    for (int i = 0; i < AVER_XML_DEPTH_MAX; i++) {
        aver_buf_append_text(&text, "<a>");
    }
    for (int i = 0; i < AVER_XML_DEPTH_MAX; i++) {
        aver_buf_append_text(&text, "</a>");
    }
    assert_int_equal(aver_xml_parse(aver_buf_view(&text), &xml), AVER_OK);
    aver_xml_deinit(&xml);
    aver_buf_clear(&text);
    for (int i = 0; i <= AVER_XML_DEPTH_MAX; i++) {
        aver_buf_append_text(&text, "<a>");
    }
    assert_int_equal(aver_xml_parse(aver_buf_view(&text), &xml), AVER_E_LIMIT);
    aver_buf_clear(&text);
    aver_buf_append_text(&text, "<a>");
    for (int i = 0; i < AVER_XML_NODES_MAX; i++) {
        aver_buf_append_text(&text, "<b/>");
    }
    aver_buf_append_text(&text, "</a>");
    assert_int_equal(aver_xml_parse(aver_buf_view(&text), &xml), AVER_E_LIMIT);
    aver_buf_clear(&text);
    aver_buf_append_text(&text, "<a");
    for (int i = 0; i <= AVER_XML_ATTRIBUTES_EACH_MAX; i++) {
        aver_buf_append_format(&text, " b%d=\"1\"", i);
    }
    aver_buf_append_text(&text, "/>");
    assert_int_equal(aver_xml_parse(aver_buf_view(&text), &xml), AVER_E_FORMAT);
    aver_buf_clear(&text);
    while (text.size <= AVER_XML_BYTES_MAX) {
        aver_buf_append_text(&text, "                                                ");
    }
    assert_int_equal(aver_xml_parse(aver_buf_view(&text), &xml), AVER_E_LIMIT);
    aver_buf_deinit(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(canonical_forms),      cmocka_unit_test(parts_have_their_namespaces),
        cmocka_unit_test(documents_are_walked), cmocka_unit_test(what_is_not_read_is_refused),
        cmocka_unit_test(limits_hold),
    };
    return cmocka_run_group_tests_name("xml", tests, NULL, NULL);
}
