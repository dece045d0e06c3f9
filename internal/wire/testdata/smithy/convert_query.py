"""Turns Smithy's awsQuery protocol tests into query.json.

    python3 convert_query.py ast.json > query.json

ast.json is the JSON form of the models under META-INF/smithy/awsQuery,
META-INF/smithy/shared-types.smithy and META-INF/smithy/aws-config.smithy in
the artifact software.amazon.smithy:smithy-aws-protocol-tests, as `smithy ast`
writes it. Parameters are turned into the JSON that the wire reads: under the
members' names on the wire, blobs in base64. What is left out, and why, goes to
standard error.
"""
import base64
import collections
import json
import sys

VERSION = "software.amazon.smithy:smithy-aws-protocol-tests:1.74.1"
VERSION_DATE = "2020-01-08"
SIMPLE = {"String": "string", "Boolean": "boolean", "Byte": "integer", "Short": "integer", "Integer": "integer", "Long": "long",
          "Float": "float", "Double": "double", "Timestamp": "timestamp", "Blob": "blob", "PrimitiveBoolean": "boolean"}
SIMPLE.update({k.lower(): v for k, v in list(SIMPLE.items())})
SIMPLE["intEnum"] = "integer"


class LeftOut(Exception):
    pass


def short(name):
    return name.split("#")[-1]


class Model:
    def __init__(self, ast):
        self.ast, self.shapes = ast["shapes"], {}

    def shape(self, name):
        """Adds a shape with all that it needs, and returns its name."""
        out = short(name)
        if out in self.shapes:
            return out
        if name.startswith("smithy.api#"):
            self.shapes[out] = {"type": SIMPLE[out]}
            return out
        ast = self.ast[name]
        traits, kind = ast.get("traits", {}), ast["type"]
        shape = self.shapes[out] = {}
        if traits.get("smithy.api#timestampFormat", "date-time") != "date-time":
            del self.shapes[out]
            raise LeftOut("a time in another form than ISO 8601")
        if "smithy.api#sparse" in traits:
            del self.shapes[out]
            raise LeftOut("a list or map with nulls")
        if kind == "structure":
            shape.update(type=kind, members={})
            if "smithy.api#error" in traits:
                shape["error"] = traits.get("smithy.api#httpError", 400)
                code = traits.get("aws.protocols#awsQueryError", {})
                shape["error"] = code.get("httpResponseCode", shape["error"])
                if code:
                    shape["code"] = code["code"]
            for member, m in ast.get("members", {}).items():
                try:
                    shape["members"][member] = self.member(m)
                except LeftOut:
                    continue
        elif kind == "enum":
            shape.update(type="string", enum=[m.get("traits", {}).get("smithy.api#enumValue", n) for n, m in ast["members"].items()])
        elif kind in ("list", "set"):
            shape.update(type="list", member=self.shape(ast["member"]["target"]))
            self.named(shape, "memberName", ast["member"])
        elif kind == "map":
            shape.update(type="map", key=self.shape(ast["key"]["target"]), value=self.shape(ast["value"]["target"]))
            self.named(shape, "keyName", ast["key"])
            self.named(shape, "valueName", ast["value"])
        else:
            shape["type"] = SIMPLE[kind]
        return out

    def named(self, shape, key, member):
        name = member.get("traits", {}).get("smithy.api#xmlName")
        if name:
            shape[key] = name

    def member(self, m):
        traits = m.get("traits", {})
        if traits.get("smithy.api#timestampFormat", "date-time") != "date-time":
            raise LeftOut("a time in another form than ISO 8601")
        out = {"shape": self.shape(m["target"])}
        if "smithy.api#xmlName" in traits:
            out["locationName"] = traits["smithy.api#xmlName"]
        if "smithy.api#xmlFlattened" in traits:
            out["flattened"] = True
        return out

    def params(self, name, value):
        """The value as the wire has it in JSON."""
        shape = self.shapes[name]
        kind = shape["type"]
        if value is None:
            raise LeftOut("a list or map with nulls")
        if kind == "structure":
            out = {}
            for k, v in value.items():
                if k not in shape["members"]:
                    raise LeftOut("a member that the service's model cannot have")
                m = shape["members"][k]
                out[m.get("locationName", k)] = self.params(m["shape"], v)
            return out
        if kind == "list":
            return [self.params(shape["member"], v) for v in value]
        if kind == "map":
            return {k: self.params(shape["value"], v) for k, v in value.items()}
        if kind == "blob":
            return base64.b64encode(value.encode()).decode()
        return value


def main():
    ast = json.load(open(sys.argv[1]))
    model, operations, out, left = Model(ast), {}, [], collections.Counter()

    def declare(name, op):
        entry = {"method": "POST", "uri": "/"}
        for side in ("input", "output"):
            target = op.get(side, {}).get("target", "smithy.api#Unit")
            if target != "smithy.api#Unit":
                entry[side] = model.shape(target)
        errors = sorted(model.shape(e["target"]) for e in op.get("errors", []))
        if errors:
            entry["errors"] = errors
        operations[short(name)] = entry
        return entry

    def add(kind, operation, shape, test):
        if test["protocol"] != "aws.protocols#awsQuery":
            return
        try:
            if short(operation) == "PutWithContentEncoding":
                raise LeftOut("a compressed body")
            if "IdempotencyToken" in operation:
                raise LeftOut("a member that clients fill")
            params = model.params(shape, test.get("params", {})) if shape else {}
        except LeftOut as reason:
            left[str(reason)] += 1
            return
        case = {"id": test["id"], "kind": kind, "operation": short(operation), "body": test.get("body"), "params": params}
        if test.get("appliesTo"):
            case["appliesTo"] = test["appliesTo"]
        if kind == "error":
            case["shape"], case["status"] = shape, test["code"]
        out.append(case)

    for name, op in sorted(ast["shapes"].items()):
        if op["type"] != "operation" or not name.startswith("aws.protocoltests.query#"):
            continue
        entry = declare(name, op)
        for test in op.get("traits", {}).get("smithy.test#httpRequestTests", []):
            add("request", name, entry.get("input"), test)
        for test in op.get("traits", {}).get("smithy.test#httpResponseTests", []):
            add("response", name, entry.get("output"), test)
    for name, shape in sorted(ast["shapes"].items()):
        if name.startswith("aws.protocoltests.query#") and "smithy.api#error" in shape.get("traits", {}):
            for test in shape["traits"].get("smithy.test#httpResponseTests", []):
                add("error", "GreetingWithErrors", model.shape(name), test)
    for reason, count in left.most_common():
        print(f"left out {count}: {reason}", file=sys.stderr)
    used = {c["operation"] for c in out}
    metadata = {"apiVersion": VERSION_DATE, "protocol": "query", "signingName": "awsquery", "xmlNamespace": "https://example.com/"}
    print('{\n"source":%s,\n"model":{"metadata":%s,\n"operations":{' % (json.dumps(VERSION), json.dumps(metadata)))
    print(",\n".join(json.dumps(k) + ":" + json.dumps(v, separators=(",", ":")) for k, v in sorted(operations.items()) if k in used))
    print('},\n"shapes":{')
    print(",\n".join(json.dumps(k) + ":" + json.dumps(v, separators=(",", ":")) for k, v in sorted(model.shapes.items())))
    print('}},\n"cases":[')
    print(",\n".join(json.dumps(c, separators=(",", ":")) for c in out))
    print("]\n}")


main()
