/** For TypeDoc: a constant that can be called, as `export const add = defineElementwise(…)`, is a function of the reference, not a variable. */

import { Converter, ReflectionKind, ReflectionType } from "typedoc";

/** @param {import("typedoc").Application} app */
export function load(app) {
  app.converter.on(Converter.EVENT_RESOLVE_BEGIN, ({ project }) => {
    for (const reflection of project.getReflectionsByKind(ReflectionKind.Variable)) {
      if (!reflection.isDeclaration() || !(reflection.type instanceof ReflectionType)) continue;
      const { declaration } = reflection.type;
      const { signatures } = declaration;
      if (signatures === undefined) continue;
      for (const signature of signatures) {
        signature.name = reflection.name;
        signature.parent = reflection;
        if (reflection.comment !== undefined) signature.comment ??= reflection.comment;
      }
      delete declaration.signatures;
      delete reflection.type;
      delete reflection.comment;
      delete reflection.defaultValue;
      project.removeReflection(declaration);
      reflection.kind = ReflectionKind.Function;
      reflection.signatures = signatures;
    }
  });
}
