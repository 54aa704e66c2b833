// Shows openapi.json. Text goes in as text only, so that nothing in the document can run.
"use strict";

const element = (name, attributes = {}, ...children) => {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  node.append(...children);
  return node;
};

const nameOf = (reference) => reference.split("/").pop();

// A schema in one line, with links to those that have a name.
const inline = (schema) => {
  if (!schema) return "";
  if (schema.$ref) {
    const name = nameOf(schema.$ref);
    return element("a", { href: `#schema-${name}` }, name);
  }
  const parts = schema.oneOf ?? schema.anyOf ?? schema.allOf;
  if (parts) return element("span", {}, ...parts.flatMap((part, at) => (at ? [" | ", inline(part)] : [inline(part)])));
  if (schema.type === "array") return element("span", {}, "list of ", inline(schema.items));
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(" | ");
  return [schema.type].flat().filter((type) => type !== "null").join(" | ") + (schema.format ? ` (${schema.format})` : "");
};

const row = (...cells) => element("tr", {}, ...cells.map((cell) => element("td", {}, cell)));

const table = (heads, rows) =>
  element("table", {}, element("tr", {}, ...heads.map((head) => element("th", {}, head))), ...rows);

const contentOf = (body) => {
  const [type, content] = Object.entries(body?.content ?? {})[0] ?? [];
  return type ? element("span", {}, inline(content.schema), element("span", { class: "dim" }, ` ${type}`)) : "";
};

const operation = (path, method, described) => {
  const box = element("details", {});
  const summary = described.summary ?? described.description ?? "";
  box.append(
    element(
      "summary",
      {},
      element("span", { class: `method ${method}` }, method.toUpperCase()),
      element("code", {}, path),
      element("span", { class: "dim" }, ` ${summary}`),
    ),
  );
  if (described.description && described.description !== summary) box.append(element("p", {}, described.description));
  const parameters = described.parameters ?? [];
  if (parameters.length > 0) {
    const rows = parameters.map((each) =>
      row(element("code", {}, each.name), each.in, inline(each.schema), each.description ?? ""),
    );
    box.append(table(["Parameter", "in", "type", ""], rows));
  }
  if (described.requestBody) box.append(element("p", {}, "Body: ", contentOf(described.requestBody)));
  const rows = Object.entries(described.responses ?? {}).map(([status, response]) =>
    row(status, contentOf(response), response.description ?? ""),
  );
  box.append(table(["Status", "body", ""], rows));
  return box;
};

const schemaBox = (name, schema) => {
  const box = element("details", { id: `schema-${name}` }, element("summary", {}, element("code", {}, name)));
  if (schema.description) box.append(element("p", {}, schema.description));
  const required = new Set(schema.required ?? []);
  const rows = Object.entries(schema.properties ?? {}).map(([key, value]) =>
    row(element("code", {}, required.has(key) ? key : `${key}?`), inline(value), value.description ?? ""),
  );
  box.append(rows.length > 0 ? table(["Field", "type", ""], rows) : element("p", {}, inline(schema)));
  if (schema.pattern) box.append(element("pre", {}, schema.pattern));
  return box;
};

const show = (api) => {
  document.getElementById("about").textContent = `${api.info.title} ${api.info.version}. ${api.info.description ?? ""}`;
  const groups = new Map();
  for (const [path, item] of Object.entries(api.paths)) {
    for (const [method, described] of Object.entries(item)) {
      const tag = described.tags?.[0] ?? "other";
      if (!groups.has(tag)) groups.set(tag, []);
      groups.get(tag).push(operation(path, method, described));
    }
  }
  const main = document.getElementById("operations");
  for (const [tag, boxes] of groups) main.append(element("section", {}, element("h2", {}, tag), ...boxes));
  const schemas = Object.entries(api.components?.schemas ?? {});
  document.getElementById("schemas").append(...schemas.map(([name, schema]) => schemaBox(name, schema)));
  document.getElementById("filter").addEventListener("input", (event) => {
    const wanted = event.target.value.toLowerCase();
    for (const box of main.querySelectorAll("details")) {
      box.hidden = !box.querySelector("summary").textContent.toLowerCase().includes(wanted);
    }
  });
};

const openNamed = () => {
  const box = document.getElementById(location.hash.slice(1));
  if (box instanceof HTMLDetailsElement) box.open = true;
};
addEventListener("hashchange", openNamed);

fetch("/openapi.json")
  .then((response) => response.json())
  .then(show)
  .then(openNamed)
  .catch((error) => {
    document.getElementById("about").textContent = `The document cannot be read: ${error.message}`;
  });
