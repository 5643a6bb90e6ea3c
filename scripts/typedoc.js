/**
 * What nobody should have to say of each function for TypeDoc: in which category of the reference it is follows from the file that it is in, and a constant
 * that can be called, as elementwise operations are, is listed as a function.
 */

import path from "node:path";
import { Comment, CommentTag, Converter, ReflectionKind } from "typedoc";

/** The category of what the main module exports from a file, or from a folder. The first that fits. */
const categories = [
  ["engine/variable", "Variables"],
  ["engine/state", "Variables"],
  ["operations/creation", "Arrays to start from"],
  ["engine/debug", "Debugging"],
  ["engine/memory", "Devices"],
  ["engine/", "Steps and gradients"],
  ["derivatives/", "Steps and gradients"],
  ["model/check-gradients", "Debugging"],
  ["model/", "Components"],
  ["explain/summary", "Components"],
  ["devices/", "Devices"],
  ["support/errors", "Errors"],
  ["support/option", "Components"],
  ["support/shape", "Variables"],
  ["operations/arithmetic", "Operations: elementwise"],
  ["operations/activation", "Operations: elementwise"],
  ["operations/elementwise", "Operations of your own"],
  ["operations/host", "Operations of your own"],
  ["operations/custom-gradient", "Operations of your own"],
  ["kernels/", "Operations of your own"],
  ["operations/product", "Operations: products"],
  ["operations/reduction", "Operations: along axes"],
  ["operations/softmax", "Operations: along axes"],
  ["operations/scan", "Operations: along axes"],
  ["operations/layer-norm", "Operations: along axes"],
  ["operations/masked-softmax", "Operations: along axes"],
  ["operations/where", "Operations: elementwise"],
  ["operations/linear", "Operations: products"],
  ["operations/gather", "Operations: indices"],
  ["operations/indexing", "Operations: indices"],
  ["operations/indices", "Operations: indices"],
  ["operations/convolution", "Operations: images"],
  ["operations/pooling", "Operations: images"],
  ["operations/dropout", "Operations: training"],
  ["operations/gradient", "Operations: training"],
  ["operations/", "Operations: shapes"],
  ["optimizers/schedule", "Learning rates"],
  ["optimizers/rate", "Learning rates"],
  ["optimizers/", "Optimizers"],
  ["cost/", "Costs"],
  ["ctc/", "Costs"],
  ["random/", "Random numbers"],
];

/** @param {import("typedoc").DeclarationReflection} constant */
function asFunction(constant) {
  const signatures = constant.type?.type === "reflection" ? constant.type.declaration.signatures : undefined;
  if (!constant.kindOf(ReflectionKind.Variable) || signatures === undefined) return;
  constant.kind = ReflectionKind.Function;
  constant.signatures = signatures;
  for (const signature of signatures) {
    signature.parent = constant;
    signature.name = constant.name;
    if (signature.comment === undefined && constant.comment !== undefined) signature.comment = constant.comment.clone();
  }
  delete constant.type;
  delete constant.comment;
}

/** @param {import("typedoc").Application} app */
export function load(app) {
  app.converter.on(Converter.EVENT_RESOLVE_BEGIN, ({ project }) => {
    for (const module of project.children ?? []) {
      module.children?.forEach(asFunction);
      if (module.name !== "flimsy-ml") continue;
      for (const child of module.children ?? []) {
        const target = child.isReference() ? child.getTargetReflectionDeep() : child;
        const file = project.getSymbolIdFromReflection(target)?.fileName ?? "";
        const place = path.relative(path.resolve("src"), file).replaceAll("\\", "/");
        const category = categories.find(([start]) => place.startsWith(start))?.[1] ?? "Other";
        // A function's comment is that of its first signature.
        for (const owner of child.kindOf(ReflectionKind.Function) ? (child.signatures ?? []).slice(0, 1) : [child]) {
          owner.comment ??= new Comment();
          owner.comment.removeTags("@category");
          owner.comment.blockTags.push(new CommentTag("@category", [{ kind: "text", text: category }]));
        }
      }
    }
  });
}
