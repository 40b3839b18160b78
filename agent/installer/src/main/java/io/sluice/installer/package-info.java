/**
 * Starts the agent: reads the settings, and weaves hooks into the clients that the program really uses.
 *
 * <pre>
 * Installer               what premain and agentmain call, once
 *  +- Settings            what holds, resolved from Sources; Setting names every key, SettingsWatcher follows changes
 *  +- Weaver              the ClassFileTransformer: a look in a map, nothing more, until a client's class is loaded
 *  |   +- Targets         the map
 *  |   |   +- Target      a hooked class, its hooks, and each hook's Client
 *  |   |   +- Relocations the copies of clients under other package names; each one's names are a Relocation
 *  |   +- UnnamedCopies   sees copies that nobody named, and tells how to; CopyNames finds their packages
 *  |   +- ClassWeaver     one class and its hooks, by Byte Buddy, which is not loaded before
 *  |   +- ShapeCheck      tries all classes of a client before the first is woven
 *  |   +- AgentClasses    the bytes of advice, helpers and bridge; ClassRelocator changes them for a relocated copy
 *  |   +- Helpers         defines an instrumentation's classes in the client's class loader
 *  |   +- BridgeView      whether a class loader shows the bridge to its classes; BridgeProbe asks from inside
 *  |   +- LoaderState     what was woven, defined and given up in each class loader
 *  |   +- Modules         opens packages of the JDK, by reflection, on the versions that have modules
 *  +- Log                 the few lines that a user sees
 * </pre>
 *
 * <p>Loaded by: the agent's own class loader, in premain; may use: {@code java.*} without lambdas,
 * {@code java.util.logging}, {@code java.nio.file} and JMX, our own classes, and Byte Buddy in ClassWeaver and
 * ClassRelocator alone.
 */
@NullMarked
package io.sluice.installer;

import org.jspecify.annotations.NullMarked;
