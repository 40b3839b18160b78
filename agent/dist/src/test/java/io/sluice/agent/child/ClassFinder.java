package io.sluice.agent.child;

/** Looks for classes as any program can, and prints for each the kind of loader it came from. */
public final class ClassFinder {

    private ClassFinder() {}

    /** Arguments: names of classes, or of resources if they contain a slash. */
    public static void main(String[] names) {
        ClassLoader loader = ClassFinder.class.getClassLoader();
        for (String name : names) {
            if (name.contains("/")) {
                System.out.println(name + " " + (loader.getResource(name) == null ? "hidden" : "visible"));
                continue;
            }
            try {
                Class<?> found = Class.forName(name, false, loader);
                System.out.println(name + " " + (found.getClassLoader() == null ? "bootstrap" : "program"));
            } catch (ClassNotFoundException e) {
                System.out.println(name + " hidden");
            }
        }
    }
}
