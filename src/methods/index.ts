export { catalogue, findMethod } from "./catalogue.ts";
