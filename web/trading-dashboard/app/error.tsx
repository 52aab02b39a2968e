// Shown in place of a page that has broken.
"use client";
import { PageError } from "@web/components/page-error.tsx";

export default PageError;
