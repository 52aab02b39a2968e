// The page for an unknown address.
import { NotFound } from "@web/components/not-found.tsx";

export default NotFound;
