#pragma once

// The words that may stand in the clear, sorted, with where they come from; a blank parts two
// words. Adding one makes it visible without a key in every recording made from then on: add what
// names a kind of thing, never a person, a place, a case, or what happened to anybody.

#include <string_view>

namespace casebox::vocabulary::internal {

// First part of a stream's name: what a source is called. Ours (recorder, simulator, analysis,
// custody), and the usual places and devices of an operating room.
inline constexpr std::string_view kSources =
    "anaesthesia analysis anesthesia annotation annotations arm bench bis box cam camera case "
    "clock csv custody device devices echo endoscope esu field fluoroscope heartlung "
    "hemodynamics infusion instrument instruments insufflator intellivue laparoscope light "
    "microphone microscope monitor motor navigation neuro nirs orchestra overhead patient "
    "perfusor phases primus pump pumps recorder robot room scene scope sensors solar solar8000 "
    "study suction surgeon syringe table team temperature theatre truth twin ultrasound "
    "ventilator video vital vitals warmer xray";

// Last part of a stream's name: what the program's own sources and jobs call their streams.
inline constexpr std::string_view kStreamWords =
    "alarms audio checklist consent details door ecg events findings forecast items marks notes "
    "numerics people phases pleth resp sensors series settings state steps summary use video "
    "waves";

// What is measured. The simulated room's; the tracks of VitalDB (https://vitaldb.net, list of
// parameters) and of VitalRecorder's device drivers; signals as PhysioNet's waveform databases call
// them; the labels of IEEE 11073-10101 that monitors print. Spelling matters: a text in another
// spelling is not known.
inline constexpr std::string_view kChannels =
    "ABP ABP_D ABP_DIA ABP_HR ABP_M ABP_MEAN ABP_S ABP_SYS AGENT AGENT1 AGENT2 AGENT_ET AGENT_IN "
    "AMD_RATE AMD_VOL ART ART1 ART1_DBP ART1_MBP ART1_SBP ART2 ARTF ART_D ART_DBP ART_DIA ART_HR "
    "ART_M ART_MBP ART_MEAN ART_S ART_SBP ART_SYS AVF AVL AVR AWF AWP AWRR AWV BIS BIS_EMG "
    "BIS_SEF BIS_SQI BIS_SR BOLUS BP_EST BSR BT BT1 BT2 BT_PA BT_SKIN BloodVolume CFI CI CO CO2 "
    "CO2_EST CO2_ET CO2_IN CO2_WAV COAG COMPLIANCE CO_EST CPP CUT CVP CVP1 CVP_MEAN "
    "CardiacOutput CoreTemperature DBP DES DES_EXP DES_INSP DEX2_RATE DEX2_VOL DEX4_RATE "
    "DEX4_VOL DO2 DOBU_RATE DOBU_VOL DOOR DOPA_RATE DOPA_VOL DPMX DTZ_RATE DTZ_VOL "
    "DiastolicArterialPressure ECG ECG1 ECG2 ECG3 ECG_AVF ECG_AVL ECG_AVR ECG_HR ECG_I ECG_II "
    "ECG_III ECG_V ECG_V1 ECG_V2 ECG_V3 ECG_V4 ECG_V5 ECG_V6 EDA EDV EDVI EEG EEG1 EEG1_WAV EEG2 "
    "EEG2_WAV EEGL EEGR EEG_BIS EF ELWI EMG ENF ENF_EXP ENTROPY EPI_RATE EPI_VOL ESV ESVI ETCO2 "
    "ETCO2_PERCENT EVLW EXP_DES EXP_ISO EXP_SEVO EndTidalCarbonDioxidePressure EtCO2 FECO2 FEM "
    "FEM_DBP FEM_HR FEM_MBP FEM_SBP FEN2O FEO2 FICO2 FIN2O FIO2 FIO2_SET FLOW FLOW_ACTUAL "
    "FLOW_AIR FLOW_N2O FLOW_O2 FLOW_RATE FLOW_TARGET FLUID_RATE FLUID_TEMP FTC FTp FUT_RATE "
    "FUT_VOL FeO2 FiO2 Flow GAS1_AGENT GAS1_EXPIRED GAS1_INSPIRED GAS2_AGENT GAS2_EXPIRED "
    "GAS2_INSPIRED GEDI GEDV HAL HAL_EXP HB HCT HGB HR HRV HR_EST HUMIDITY HeartRate I ICP "
    "ICP_MEAN II III INCO2 INCO2_PERCENT INFUSION_RATE INFUSION_VOLUME INPUT_AMB_TEMP INPUT_TEMP "
    "INSP_DES INSP_ISO INSP_SEVO INTENSITY IRRIGATION ISO ISO_EXP ISO_INSP ITBV LAP LIGHT MAC "
    "MAP MAP_EST MAWP MAWP_MBAR MBP MCL MCL1 MD MLI MLII MODE MRN_RATE MRN_VOL MV MVe MVi "
    "MeanArterialPressure MeanCentralVenousPressure N2O NBP NBPd NBPm NBPs NEPI_RATE NEPI_VOL "
    "NIBP NIBP_DBP NIBP_DIA NIBP_HR NIBP_MBP NIBP_MEAN NIBP_SBP NIBP_SYS NOISE NPS_RATE NPS_VOL "
    "NTG_RATE NTG_VOL O2 ON OUTPUT_AMB_TEMP OUTPUT_TEMP OXY_RATE OXY_VOL OxygenSaturation PA "
    "PAMB_MBAR PAP PAP_DIA PAP_MEAN PAP_SYS PAW PAW_EST PA_DBP PA_MBP PA_SBP PCWP PD PEEP "
    "PEEP_MBAR PEOPLE PERF PGE1_RATE PGE1_VOL PHEN_RATE PHEN_VOL PI PIP PIP_MBAR PLETH PLETH_HR "
    "PLETH_PERF_REL PLETH_SAT_O2 PLETH_SPO2 PMEAN POWER PPF20_CE PPF20_CP PPF20_CT PPF20_RATE "
    "PPF20_VOL PPG PPLAT PPLAT_MBAR PPV PR PRESSURE PSI PTC PULSE PV PVC PVI PVR P_ACTUAL "
    "P_TARGET Paw RAP RATE RE RESISTANCE RESP RESP_IMP RESP_RATE RFTN20_CE RFTN20_CP RFTN20_CT "
    "RFTN20_RATE RFTN20_VOL RFTN50_CE RFTN50_CP RFTN50_CT RFTN50_RATE RFTN50_VOL ROC_RATE "
    "ROC_VOL RR RR_CO2 RSO2_L RSO2_R RVEF RespirationRate SBP SCO2_L SCO2_R SCO2_S1 SCO2_S2 "
    "SCVO2 SD SE SEF SEFL SEFR SET_AGE SET_FIO2 SET_FLOW_TRIG SET_FRESH_FLOW SET_IE_E SET_IE_I "
    "SET_INSP_PAUSE SET_INSP_PRES SET_INSP_TM SET_INTER_PEEP SET_PEEP SET_PIP SET_RR SET_TV "
    "SET_TV_L SEVO SEVO_EXP SEVO_INSP SPCO SPEED SPHB SPMET SPO2 SPO2_EST SPOC SQI SR ST_AVF "
    "ST_AVL ST_AVR ST_I ST_II ST_III ST_V ST_V1 ST_V2 ST_V3 ST_V4 ST_V5 ST_V6 SUCTION SUPPLY SV "
    "SVI SVO2 SVR SVRI SVRPA SVV SaO2 ScvO2 SkinTemperature SpO2 SpO2_HR StrokeVolume SvO2 "
    "SystolicArterialPressure T1 T2 TBLOOD TCORE TEMP TEMP1 TEMPERATURE TOF TOF_COUNT TOF_RATIO "
    "TORQUE TOTPOW TSKIN TV TV_EXP TV_INSP TVe TVi Tblood Tcore Temp TidalVolume TotalLungVolume "
    "Tskin UAP UVP V V1 V2 V3 V4 V5 V6 VACUUM VASO_RATE VASO_VOL VEC_RATE VEC_VOL VENT_COMPL "
    "VENT_INSP_TM VENT_MAWP VENT_MEAS_PEEP VENT_MV VENT_PEEP VENT_PIP VENT_PPLAT VENT_RR "
    "VENT_SET_FIO2 VENT_SET_PCP VENT_SET_TV VENT_TRIG VENT_TV VO2 VOL VOLUME VOLUME_IN "
    "VOLUME_OUT VPC Volume aVF aVL aVR imCO2 value";

// UCUM (https://ucum.org), case-sensitive codes, as far as devices of an operating room use them.
// L/min/m2 and the like are UCUM terms too: the list holds terms, not a grammar, since a grammar
// would take free text.
inline constexpr std::string_view kUnits =
    "% /h /min /s 1 1/min 10*3/uL 10*6/uL 10*9/L A B[SPL] Bq Cel F Gy H Hz J J/s K L L/cm[H2O] "
    "L/h L/min L/min/m2 L/s MHz MOhm MPa N N.cm N.m Ohm Pa S Sv T V VA W [degF] [iU] [iU]/h "
    "[iU]/mL [in_i] [ppm] a bar cL cd cm cm/s cm2 cm3 cm[H2O] cm[H2O].s/L cm[H2O]/L/s d dB "
    "dB[SPL] dL deg deg/s dyn.s.m2/cm5 dyn.s/cm5 ft g g/L g/dL g/m2 g/min g/s h hPa kHz kJ kN "
    "kOhm kPa kV kW kW.h kcal kcal/d kcal/day kg kg/m2 km l lm lx m m/s m/s2 m2 m3 mA mGy mJ mL "
    "mL/beat mL/cm[H2O] mL/h mL/kg mL/kg/h mL/kg/min mL/m2 mL/min mL/mm[Hg] mL/s mOhm mSv mV mW "
    "m[iU]/mL mbar mg mg/L mg/dL mg/h mg/kg/h mg/kg/min mg/mL mg/min min ml mm mm/s mm2 mm[Hg] "
    "mm[Hg].min/L mm[Hg].s/mL mmol mmol/L mmol/h mol/L mol/d mol/day ms ng ng/mL nm ns pg "
    "pmol/min ppm px rad rad/s s t uA uL uS uSv uV ug ug/L ug/h ug/kg/h ug/kg/min ug/mL ug/min "
    "um umol/L umol/min umol/s us {beats}/min {breaths}/min {count} {score}";

// Types of devices: ISO/IEEE 11073-10101 and -10207 terms in plain English, the program's own
// producers, and the names under which VitalRecorder's drivers and VitalDB list devices.
inline constexpr std::string_view kDevices =
    "BIS Bx50 CardioQ Carescape Datex-Ohmeda Demo EV1000 FMS Fabius Hemosphere Intellivue Invos "
    "Masimo Orchestra Philips Primus Root SNUADC SNUADCM SNUADCW Solar Solar8000 Vigilance "
    "Vigileo Zeus anaesthesia anaesthesia-machine anaesthesia-monitor analysis annotation "
    "arterial-line bair-hugger bench blood-gas-analyser box camera capnograph "
    "cardiac-output-monitor case casebox cell-saver csv custody defibrillator "
    "depth-of-anaesthesia-monitor digital-twin ecg-monitor electrosurgical-unit endoscope "
    "endoscopy-camera esu gas-analyser heart-lung-machine import infusion-pump instrument "
    "instrument-tray insufflator insulin-pump laparoscope light light-source microphone "
    "microscope monitor motor navigation neuromuscular-monitor nirs operating-light "
    "operating-table patient-monitor patient-warmer pulse-oximeter pump recorder robot room "
    "room-camera room-sensors scope scope-camera simulator spirometer suction suction-pump "
    "syringe-pump team team-panel temperature-monitor twin ultrasound ventilator "
    "vital-signs-monitor warming-unit x-ray xray";

// Why something is not recorded: gaps (docs/recorder.md), pauses, streams absent by policy.
inline constexpr std::string_view kReasons =
    "audio-not-recorded audio-off clock-reset consent-withdrawn crash crash-unbounded disconnected "
    "file-damaged file-truncated file-unreadable invalid-samples lost-packets low-space "
    "missing-rows "
    "no-consent no-space not-framed not-recorded operator other patient-request paused policy "
    "privacy private-conversation queue-full record-damaged recording-paused restart "
    "segment-missing "
    "shutdown signal-absent silent source-absent source-ended source-failed source-refused "
    "staff-request stopped track-redefined track-stopped transform-invalid video-lost "
    "video-not-recorded video-off";

// Who acted, as the team's roles (SNOMED CT occupations in plain English) and the roles of access.
inline constexpr std::string_view kRoles =
    "admin anaesthetist anesthesiologist assistant auditor circulating-nurse committee-reviewer "
    "counsel educator engineer nurse observer operator owner patient-liaison perfusionist "
    "privacy-officer radiographer recorder researcher scrub-nurse surgeon surgeon-self "
    "technician trainee";

// ISO/IEEE 11073-10101 reference ids of what monitors and pumps report.
inline constexpr std::string_view kNomenclature =
    "MDC_AWAY_CO2 MDC_AWAY_CO2_ET MDC_AWAY_CO2_INSP MDC_CO2_RESP_RATE MDC_CONC_AWAY_DESFL_ET "
    "MDC_CONC_AWAY_ISOFL_ET MDC_CONC_AWAY_N2O_ET MDC_CONC_AWAY_O2_ET MDC_CONC_AWAY_O2_INSP "
    "MDC_CONC_AWAY_SEVOFL_ET MDC_ECG_ELEC_POTL_I MDC_ECG_ELEC_POTL_II MDC_ECG_ELEC_POTL_III "
    "MDC_ECG_ELEC_POTL_V MDC_ECG_HEART_RATE MDC_ECG_LEAD_I MDC_ECG_LEAD_II MDC_ECG_LEAD_III "
    "MDC_ECG_LEAD_V1 MDC_ECG_LEAD_V2 MDC_ECG_LEAD_V3 MDC_ECG_LEAD_V4 MDC_ECG_LEAD_V5 "
    "MDC_ECG_LEAD_V6 MDC_EEG_BISPECTRAL_INDEX MDC_FLOW_AWAY MDC_FLOW_FLUID_PUMP MDC_IMPED_TTHOR "
    "MDC_PRESS_AWAY MDC_PRESS_BLD_ART_ABP MDC_PRESS_BLD_ART_ABP_DIA MDC_PRESS_BLD_ART_ABP_MEAN "
    "MDC_PRESS_BLD_ART_ABP_SYS MDC_PRESS_BLD_ART_PULM MDC_PRESS_BLD_NONINV "
    "MDC_PRESS_BLD_NONINV_DIA MDC_PRESS_BLD_NONINV_MEAN MDC_PRESS_BLD_NONINV_SYS "
    "MDC_PRESS_BLD_VEN_CENT MDC_PRESS_BLD_VEN_CENT_MEAN MDC_PRESS_INTRA_CRAN "
    "MDC_PULS_OXIM_PERF_REL MDC_PULS_OXIM_PLETH MDC_PULS_OXIM_PULS_RATE MDC_PULS_OXIM_SAT_O2 "
    "MDC_PULS_RATE MDC_RESP_RATE MDC_TEMP MDC_TEMP_BLD MDC_TEMP_BODY MDC_TEMP_CORE MDC_TEMP_SKIN "
    "MDC_TTHOR_RESP_RATE MDC_VENT_PRESS_AWAY_END_EXP_POS MDC_VOL_AWAY_TIDAL MDC_VOL_FLUID_DELIV";

// libavcodec's names of video and audio codecs that fit into MP4, or come from cameras.
inline constexpr std::string_view kCodecs =
    "aac ac3 alac av1 dvvideo eac3 ffv1 flac h263 h264 hevc jpeg2000 mjpeg mp2 mp3 mpeg1video "
    "mpeg2video mpeg4 opus pcm_alaw pcm_f32le pcm_mulaw pcm_s16be pcm_s16le pcm_s24le pcm_s32le "
    "png prores rawvideo vorbis vp8 vp9";

// First elements of RFC 6381 codec strings.
inline constexpr std::string_view kCodecStrings =
    "Opus ac-3 av01 avc1 avc3 ec-3 fLaC flac hev1 hvc1 mp4a mp4v opus vp08 vp09";

// Types of sources (config.proto).
inline constexpr std::string_view kSourceTypes =
    "csv edf hl7 instruments lines media metaimage phases simulator vital wfdb xdf";

// Units of a source's own time.
inline constexpr std::string_view kTimeUnits = "d frames h min ms ns s us";

// Spellings of a missing value in files.
inline constexpr std::string_view kMissing =
    "#N/A #NA - -- --- . ? N/A NA NAN NULL NaN Nan None inf n/a na nan none null";

}  // namespace casebox::vocabulary::internal
