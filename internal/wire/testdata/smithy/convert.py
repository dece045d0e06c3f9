"""Turns Smithy's restJson1 malformed-request tests into malformed.json.

    python3 convert.py ast.json > malformed.json

ast.json is the JSON form of the models under META-INF/smithy/restJson1 and
META-INF/smithy/shared-types.smithy in the artifact
software.amazon.smithy:smithy-aws-protocol-tests, as `smithy ast` writes it.
What is left out, and why, goes to standard error.
"""
import collections
import json
import sys

VERSION = "software.amazon.smithy:smithy-aws-protocol-tests:1.74.1"
TYPES = {"String": "string", "Boolean": "boolean", "Integer": "integer", "Long": "long", "Float": "float", "Double": "double",
         "Timestamp": "timestamp", "Blob": "blob", "string": "string", "boolean": "boolean", "integer": "integer", "long": "long",
         "float": "float", "double": "double", "timestamp": "timestamp", "blob": "blob", "PrimitiveBoolean": "boolean",
         "PrimitiveInteger": "integer", "PrimitiveLong": "long", "PrimitiveFloat": "float", "PrimitiveDouble": "double"}


class LeftOut(Exception):
    pass


def short(name):
    return name.split("#")[-1]


class Model:
    def __init__(self, ast):
        self.ast = ast["shapes"]
        self.shapes = {}
        self.headers = set()

    def constrain(self, shape, traits):
        for key in traits:
            if short(key) in ("uniqueItems", "sparse", "timestampFormat", "jsonName", "mediaType", "intEnum", "idempotencyToken"):
                raise LeftOut("trait " + short(key) + " that the service's model does not have")
        bounds = traits.get("smithy.api#length") or traits.get("smithy.api#range") or {}
        for key in ("min", "max"):
            if key in bounds:
                shape[key] = bounds[key]
        if "smithy.api#pattern" in traits:
            shape["pattern"] = traits["smithy.api#pattern"]
        if "smithy.api#sensitive" in traits:
            shape["sensitive"] = True

    def shape(self, name, overrides=None, as_name=None):
        """Adds a shape, with the traits of a member over its own, and returns its name."""
        out = as_name or short(name)
        if out in self.shapes:
            return out
        if name.startswith("smithy.api#"):
            if short(name) not in TYPES:
                raise LeftOut("type " + short(name) + " that the service's model does not have")
            shape = {"type": TYPES[short(name)]}
            self.constrain(shape, overrides or {})
            self.shapes[out] = shape
            return out
        ast = self.ast[name]
        kind = ast["type"]
        shape = {"type": kind}
        traits = dict(ast.get("traits", {}))
        traits.update(overrides or {})
        self.shapes[out] = shape
        try:
            if kind in ("structure", "union"):
                self.members(shape, ast, out)
            elif kind == "enum":
                shape["type"] = "string"
                shape["enum"] = [m.get("traits", {}).get("smithy.api#enumValue", n) for n, m in ast["members"].items()]
            elif kind in ("list", "set"):
                shape["type"] = "list"
                shape["member"] = self.target(ast["member"], out + "Member")
            elif kind == "map":
                shape["key"] = self.target(ast["key"], out + "Key")
                shape["value"] = self.target(ast["value"], out + "Value")
            elif kind not in TYPES:
                raise LeftOut("type " + kind + " that the service's model does not have")
            if "smithy.api#enum" in traits:
                shape["enum"] = [v["value"] for v in traits["smithy.api#enum"]]
            self.constrain(shape, traits)
        except LeftOut:
            del self.shapes[out]
            raise
        return out

    def target(self, member, name):
        own = {k: v for k, v in member.get("traits", {}).items() if short(k) in ("length", "range", "pattern", "sensitive", "uniqueItems", "timestampFormat")}
        return self.shape(member["target"], own, name) if own else self.shape(member["target"])

    def members(self, shape, ast, out):
        shape["members"], shape["required"] = {}, []
        if ast["type"] == "union":
            shape["type"], shape["union"] = "structure", True
        for name, member in ast.get("members", {}).items():
            traits = member.get("traits", {})
            if any(short(k) in ("httpHeader", "httpPrefixHeaders", "httpQueryParams") for k in traits):
                self.headers.add("/" + name)  # cases about such a member are left out
                continue
            if any(short(k) == "httpPayload" for k in traits):
                raise LeftOut("a payload, which no operation of the service has")
            m = {"shape": self.target(member, out + "_" + name)}
            if "smithy.api#httpLabel" in traits:
                m["location"] = "uri"
            if "smithy.api#httpQuery" in traits:
                m["location"], m["locationName"] = "querystring", traits["smithy.api#httpQuery"]
            if m.get("location") and self.shapes[m["shape"]]["type"] in ("timestamp", "blob"):
                raise LeftOut("a time outside the body, which no operation of the service has")
            if "smithy.api#required" in traits:
                shape["required"].append(name)
            shape["members"][name] = m
        if not shape["required"]:
            del shape["required"]
        else:
            shape["required"].sort()


def expand(text, values):
    if text is None:
        return None
    for key, value in values.items():
        text = text.replace("$" + key + ":L", value).replace("$" + key + ":S", json.dumps(value))
    return text


def cases(test):
    parameters = test.get("testParameters")
    if not parameters:
        yield {}
        return
    for row in zip(*parameters.values()):
        yield dict(zip(parameters.keys(), row))


def main():
    ast = json.load(open(sys.argv[1]))
    model, operations, out, left = Model(ast), {}, [], collections.Counter()
    for name, op in sorted(ast["shapes"].items()):
        tests = op.get("traits", {}).get("smithy.test#httpMalformedRequestTests", [])
        tests = [t for t in tests if t["protocol"] == "aws.protocols#restJson1"]
        if op["type"] != "operation" or not tests:
            continue
        count = sum(len(list(cases(t))) for t in tests)
        http = op["traits"]["smithy.api#http"]
        entry = {"method": http["method"], "uri": http["uri"]}
        try:
            for side in ("input", "output"):
                target = op.get(side, {}).get("target", "smithy.api#Unit")
                if target != "smithy.api#Unit":
                    entry[side] = model.shape(target)
        except LeftOut as reason:
            left[str(reason)] += count
            continue
        for test in tests:
            for values in cases(test):
                request, response = test["request"], test["response"]
                headers = {k.lower(): expand(v, values) for k, v in request.get("headers", {}).items()}
                contents = response.get("body", {}).get("assertion", {}).get("contents")
                fields = [f["path"] for f in json.loads(expand(contents, values), strict=False).get("fieldList", [])] if contents else []
                if set(headers) - {"content-type", "accept"} and not fields or set(fields) & model.headers:
                    left["a member in a header, which no operation of the service has"] += 1
                    continue
                case = {"id": test["id"], "operation": short(name), "method": request["method"], "path": expand(request["uri"], values),
                        "query": "&".join(expand(q, values) for q in request.get("queryParams", [])), "contentType": headers.get("content-type"),
                        "accept": headers.get("accept"), "body": expand(request.get("body"), values), "status": response["code"],
                        "error": response["headers"]["x-amzn-errortype"]}
                if fields:
                    case["fields"] = fields
                out.append({k: v for k, v in case.items() if v})
                operations[short(name)] = entry
    for reason, count in left.most_common():
        print(f"left out {count}: {reason}", file=sys.stderr)
    print('{\n"source":%s,\n"model":{"metadata":{},\n"operations":{' % json.dumps(VERSION))
    print(",\n".join(json.dumps(k) + ":" + json.dumps(v, separators=(",", ":")) for k, v in sorted(operations.items())))
    print('},\n"shapes":{')
    print(",\n".join(json.dumps(k) + ":" + json.dumps(v, separators=(",", ":")) for k, v in sorted(model.shapes.items())))
    print('}},\n"cases":[')
    print(",\n".join(json.dumps(c, separators=(",", ":")) for c in out))
    print("]\n}")


main()
