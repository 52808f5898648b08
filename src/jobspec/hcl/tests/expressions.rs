//! Operators, paths, comprehensions and templates.

use super::check;

#[test]
fn operators_convert_what_hcl_converts() {
    check(&[
        ("1 + 2 * 3", "7"),
        ("(1 + 2) * 3", "9"),
        ("7 / 2", "3.5"),
        ("6 / 2", "3"),
        ("-7 % 3", "-1"),
        ("\"1\" + 1", "2"),
        ("0.1 + 0.2", "0.30000000000000004"),
        ("9007199254740993 + 0", "9007199254740993"),
        ("1 == 1.0", "true"),
        ("\"1\" == 1", "false"),
        ("[1, 2] == [1, 2]", "true"),
        ("\"10\" > 9", "true"),
        ("!\"true\"", "false"),
        ("-\"3\"", "-3"),
        ("true && \"false\"", "false"),
        ("false && nope()", "false"),
        ("true || 1 / 0 == 1", "true"),
        ("\"true\" ? \"a\" : \"b\"", "\"a\""),
        ("false ? 1 / 0 : 2", "2"),
        ("1 < 2 ? 3 > 4 ? \"a\" : \"b\" : \"c\"", "\"b\""),
        ("1 / 0", "error: division by zero"),
        ("1 + \"x\"", "error: the right operand must be a number, not \"x\""),
        ("null + 1", "error: the left operand must be a number, not null"),
        ("[1] && true", "error: the left operand must be a bool, not a list"),
    ]);
}

#[test]
fn elements_of_sets_are_their_own_keys_in_order() {
    check(&[
        ("{ for k, v in convert([\"b\", \"a\", \"b\"], set(string)) : k => v }", "{\"a\":\"a\",\"b\":\"b\"}"),
        ("[for k, v in setunion([10, 9], [9]) : k]", "[9,10]"),
        ("[for k, v in convert(setunion([\"a\"]), list(string)) : k]", "[0]"),
        ("convert({ a = 1 }, object({ a = number, b = optional(string), c = optional(number, \"7\") }))", "{\"a\":1,\"b\":null,\"c\":7}"),
        ("convert({ c = null }, object({ c = optional(list(string), [\"x\"]) }))", "{\"c\":[\"x\"]}"),
    ]);
}

#[test]
fn paths_index_and_splat() {
    check(&[
        ("var.list[1]", "\"b\""),
        ("var.list[\"1\"]", "\"b\""),
        ("var.list.2", "\"c\""),
        ("var.map.k", "\"v\""),
        ("var.map[\"n\"] + 1", "4"),
        ("var.rows[*].id", "[1,2]"),
        ("var.rows.*.id", "[1,2]"),
        ("var.rows[*].tags[0]", "[\"x\",\"y\"]"),
        ("var.rows.*.tags[0]", "[\"x\"]"),
        ("var.none[*]", "[]"),
        ("var.map[*].k", "[\"v\"]"),
        ("var.list[3]", "error: index 3 is outside of a list of 3"),
        ("var.list[-1]", "error: index -1 is outside of a list of 3"),
        ("var.nope", "error: `var.nope` is not declared"),
        ("var.map.nope", "error: there is no attribute `nope` here"),
        ("{ a = 1, \"b c\" = 2, (\"x${1}\") : 3 }", "{\"a\":1,\"b c\":2,\"x1\":3}"),
    ]);
}

#[test]
fn what_the_node_knows_stays_text() {
    check(&[
        ("NOMAD_PORT_http", "\"${NOMAD_PORT_http}\""),
        ("\"${attr.cpu.arch}\"", "\"${attr.cpu.arch}\""),
        ("\"a ${meta.x} b ${1 + 1}\"", "\"a ${meta.x} b 2\""),
        ("env[\"A B\"]", "\"${env[\\\"A B\\\"]}\""),
        ("\"${meta[var.list[0]]}\"", "\"${meta[\\\"a\\\"]}\""),
        ("node.class == \"x\" ? 1 : 2", "2"),
        ("\"$${x} %%{y}\"", "\"${x} %{y}\""),
        ("attr.count + 1", "error: the left operand must be a number, not \"${attr.count}\""),
    ]);
}

#[test]
fn comprehensions() {
    check(&[
        ("[for x in var.list : upper(x)]", "[\"A\",\"B\",\"C\"]"),
        ("[for i, x in var.list : \"${i}${x}\" if i != 1]", "[\"0a\",\"2c\"]"),
        ("[for k, v in var.map : k]", "[\"k\",\"n\"]"),
        ("{ for x in var.list : x => upper(x) }", "{\"a\":\"A\",\"b\":\"B\",\"c\":\"C\"}"),
        ("{ for x in [\"aa\", \"ab\", \"b\"] : substr(x, 0, 1) => x... }", "{\"a\":[\"aa\",\"ab\"],\"b\":[\"b\"]}"),
        ("[for r in var.rows : [for t in r.tags : \"${r.id}${t}\"]]", "[[\"1x\"],[\"2y\",\"2z\"]]"),
        ("[for x in [] : x]", "[]"),
        ("{ for x in [1, 1] : x => x }", "error: two elements have the key \"1\""),
        ("[for x in 1 : x]", "error: only a list or a map can be walked over, this is 1"),
    ]);
}

#[test]
fn templates() {
    check(&[
        ("\"${1}\"", "1"),
        ("\"${1}${2}\"", "\"12\""),
        ("\"a${true}b\"", "\"atrueb\""),
        ("\"x  ${~ 1 ~}  y\"", "\"x1y\""),
        ("\"%{ if true }yes%{ else }no%{ endif }\"", "\"yes\""),
        ("\"%{ if false }yes%{ else }no%{ endif }\"", "\"no\""),
        ("\"%{ for x in var.list }${x},%{ endfor }\"", "\"a,b,c,\""),
        ("\"%{ for i, x in var.list ~} ${i}${x} %{~ endfor }\"", "\"0a1b2c\""),
        ("<<EOF\nline ${1 + 1}\n  two\nEOF", "\"line 2\\n  two\\n\""),
        ("<<-EOF\n    a\n      b\n    EOF", "\"a\\n  b\\n\""),
        ("<<EOF\n%{ for x in var.list ~}\n  - ${x}\n%{ endfor ~}\nend\nEOF", "\"  - a\\n  - b\\n  - c\\nend\\n\""),
        ("<<EOF\na\n  %{~ if true }b%{ endif }\nEOF", "\"a\\nb\\n\""),
        ("\"${[1]}x\"", "error: a list cannot be part of a string"),
        ("\"${null}x\"", "error: null cannot be part of a string"),
    ]);
}

#[test]
fn try_can_and_convert_look_before_they_leap() {
    check(&[
        ("try(var.map.nope, var.list[9], \"fallback\")", "\"fallback\""),
        ("can(var.map.nope)", "false"),
        ("can(1 + 1)", "true"),
        ("convert(\"12\", number)", "12"),
        ("convert([1, \"b\"], list(string))", "[\"1\",\"b\"]"),
        ("convert([1, 2, 1], set(number))", "[1,2]"),
        ("convert({ a = \"1\", b = 2 }, object({ a = number, c = optional(string) }))", "{\"a\":1,\"c\":null}"),
        ("convert([1], number)", "error: a list is not a number"),
        ("convert({}, object({ a = string }))", "error: attribute `a` is missing"),
        ("convert(1, colour)", "error: `colour` is not a type; there are any, string, number, bool, list, set, map, object and tuple"),
        ("try()", "error: try(): takes other arguments"),
    ]);
}
