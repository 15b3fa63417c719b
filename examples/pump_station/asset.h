/* SPDX-License-Identifier: Apache-2.0
 * asset.h - `twinshell asset pump-station`: the assets of the example plant as a process of its own that speaks only MQTT.
 */
#ifndef EXAMPLES_PUMP_STATION_ASSET_H
#define EXAMPLES_PUMP_STATION_ASSET_H

/* The words from "pump-station" on; runs until SIGTERM or SIGINT; a status of sysexits.h. */
int asset_pump_station(int argc, char **argv);

#endif
